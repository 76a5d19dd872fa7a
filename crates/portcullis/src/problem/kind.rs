//! The catalogue: every kind of refusal, its status, its sentence.

use std::borrow::Cow;

use http::StatusCode;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $slug:literal, $status:ident, $title:literal, $sentence:literal;)*) => {
        /// Which refusal it is. Its status and sentence follow from it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ProblemKind {
            $($(#[$doc])* $kind,)*
        }

        impl ProblemKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its short name, stable for ever: the last part of `type`.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$kind => $slug,)* }
            }

            /// Its HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }

            /// Its title, the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// What is said where nobody says more.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$kind => $sentence,)* }
            }
        }
    };
}

kinds! {
    /// 400: the request cannot be read.
    Malformed = "malformed", BAD_REQUEST, "Malformed request", "The request cannot be read.";
    /// 400: more than one credential.
    TwoCredentials = "two-credentials", BAD_REQUEST, "More than one credential", "Send one credential, not several.";
    /// 401: nobody is signed in.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Not signed in", "Sign in to do this.";
    /// 401: what was sent does not sign anybody in.
    InvalidCredential = "invalid-credential", UNAUTHORIZED, "Credential not accepted", "The credential is not valid.";
    /// 401: signed in, but not recently or strongly enough (RFC 9470).
    StepUp = "step-up", UNAUTHORIZED, "Stronger sign-in needed", "Sign in again to do this.";
    /// 403: signed in, and lacking something.
    Forbidden = "forbidden", FORBIDDEN, "Not allowed", "You may not do this.";
    /// 403: a cookie came along with a request that another site made.
    CrossSite = "cross-site", FORBIDDEN, "Cross-site request", "A request that another site made cannot use a session cookie or a remembered password.";
    /// 403: a credential was sent over cleartext.
    Cleartext = "cleartext", FORBIDDEN, "Cleartext", "Credentials are not taken over cleartext. Use https.";
    /// 404: not there, or not for you to know.
    NotFound = "not-found", NOT_FOUND, "Not found", "There is nothing here.";
    /// 405: the path is served, the method is not.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed", "This path does not serve this method. `Allow` lists those it serves.";
    /// 406: no form of answer fits `Accept`.
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "Not acceptable", "There is no answer in a form you accept.";
    /// 408: the request took too long to arrive.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "Request timeout", "The request took too long to arrive.";
    /// 409: it is already so, or somebody was first.
    Conflict = "conflict", CONFLICT, "Conflict", "This is in conflict with what is there.";
    /// 413: the body is too large.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "Too large", "The body is too large.";
    /// 414: the address is too long.
    UriTooLong = "uri-too-long", URI_TOO_LONG, "Address too long", "The address is too long.";
    /// 415: the body is of another kind than asked for.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "The body is not of the kind this route reads.";
    /// 422: the body can be read and does not fit.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "Does not fit", "The request does not fit the schema.";
    /// 429: too many attempts.
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests", "Too many attempts. Wait, then try again.";
    /// 431: the header is too large.
    HeaderTooLarge = "header-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE, "Header too large", "A header is too large.";
    /// 500: a fault of ours.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error", "Something went wrong here. It was logged under the request's id.";
    /// 503: something we need is away.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Unavailable", "This cannot be answered just now. Try again.";
    /// 504: the answer took too long.
    Timeout = "timeout", GATEWAY_TIMEOUT, "Timeout", "The answer took too long.";
}

impl ProblemKind {
    /// The `type` member: a URN, since it need not lead anywhere (RFC 9457 §3.1.1).
    #[must_use]
    pub fn type_uri(self) -> Cow<'static, str> {
        format!("urn:portcullis:problem:{}", self.slug()).into()
    }

    /// The kind that says a bare status in words.
    #[must_use]
    pub fn from_status(status: StatusCode) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| {
            kind.status() == status
                && !matches!(kind, Self::TwoCredentials | Self::CrossSite | Self::Cleartext)
        })
    }
}
