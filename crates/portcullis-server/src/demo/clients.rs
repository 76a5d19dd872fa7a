//! The sample clients. Their secrets are public, as the passwords of the sample users are.

use portcullis::auth::{Actor, Auth, ClientRequest, ClientSettings, GrantType, RedirectUri};
use portcullis::problem::Problem;

/// Where a program on the person's own machine listens for the answer.
const REDIRECTS: [&str; 2] = ["http://127.0.0.1:9777/cb", "http://localhost:9777/cb"];

/// Makes the sample clients, or brings them up to what they are.
///
/// # Errors
/// Where the store is away.
pub(super) async fn clients(auth: &Auth) -> Result<(), Problem> {
    let redirects: Vec<RedirectUri> = REDIRECTS
        .iter()
        .map(|uri| uri.parse())
        .collect::<Result<_, _>>()
        .map_err(Problem::internal)?;
    let web = ClientSettings {
        first_party: true,
        grant_types: [GrantType::AuthorizationCode, GrantType::RefreshToken].into(),
        redirect_uris: redirects.clone(),
        post_logout_redirect_uris: redirects,
        ..ClientSettings::default()
    };
    let mut spa = web.clone();
    spa.grant_types.insert(GrantType::Password);
    let machine = ClientSettings {
        confidential: true,
        grant_types: [GrantType::ClientCredentials].into(),
        ..ClientSettings::default()
    };
    let declared = [
        ClientRequest { settings: spa, ..ClientRequest::new("demo-spa", "A page in the browser") },
        ClientRequest {
            roles: vec!["user".into()],
            settings: machine,
            secret: Some("service-secret-of-the-demo-0001".into()),
            ..ClientRequest::new("demo-service", "A program without a person")
        },
        ClientRequest {
            // A stranger's application, which asks for consent.
            settings: ClientSettings { confidential: true, first_party: false, ..web },
            secret: Some("web-secret-of-the-demo-00000001".into()),
            ..ClientRequest::new("demo-web", "A web application")
        },
    ];
    for client in declared {
        auth.declare_client(&Actor::system(), client).await?;
    }
    Ok(())
}
