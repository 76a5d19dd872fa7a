//! Queries and forms.

use super::*;

#[derive(Debug, Deserialize, Serialize, JsonSchema, Validate)]
struct Search {
    #[serde(default)]
    #[garde(range(min = 1, max = 200))]
    limit: Option<u32>,
    #[serde(default)]
    #[garde(length(chars, max = 5))]
    text: Option<String>,
    #[serde(default)]
    #[garde(skip)]
    exact: bool,
    #[serde(default)]
    #[garde(inner(length(chars, max = 3)))]
    tag: Vec<String>,
}

async fn search(Query(search): Query<Search>) -> Json<Search> {
    Json(search)
}

async fn get(query: &str) -> (StatusCode, Value) {
    let request = Request::get(format!("/?{query}")).body(Body::empty()).unwrap();
    ask(search, request).await
}

#[tokio::test]
async fn a_query_is_read_by_its_schema() {
    let (status, read) =
        get("limit=7&text=12&exact=true&tag=a&tag=b%20c&unknown=1&unknown=2").await;
    assert_eq!(status, StatusCode::OK, "{read}");
    assert_eq!(read, json!({"limit": 7, "text": "12", "exact": true, "tag": ["a", "b c"]}));
    assert_eq!(get("").await.0, StatusCode::OK);
    assert_eq!(get("limit=").await.1["limit"], Value::Null, "an empty field of a form is absent");

    let (status, problem) = get("limit=0&text=123456&exact=maybe&tag=long").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pointers(&problem), ["/exact", "/limit", "/tag/0", "/text"], "{problem}");
    for number in ["NaN", "1e999", "-1", "99999999999999999999", "1.5"] {
        let (status, _) = get(&format!("limit={number}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{number}");
    }
    for broken in
        ["limit=1&limit=2", "text=%", "text=%zz", "text=%ff", "password=x", "Access_Token=x"]
    {
        assert_eq!(get(broken).await.0, StatusCode::BAD_REQUEST, "{broken}");
    }
}

#[tokio::test]
async fn a_form_names_each_parameter_once() {
    #[derive(Deserialize, Serialize, JsonSchema, Validate)]
    struct Login {
        #[garde(length(chars, min = 1))]
        username: String,
        #[garde(skip)]
        password: String,
    }
    async fn login(Form(login): Form<Login>) -> NoStore<Json<Login>> {
        NoStore(Json(login))
    }
    let kind = "application/x-www-form-urlencoded";
    let (status, read) = ask(login, sent(kind, "username=a+b&password=%C3%A9%3D%26&x=1")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(read, json!({"username": "a b", "password": "é=&"}));

    let (status, problem) = ask(login, sent(kind, "username=")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pointers(&problem), ["/password", "/username"]);
    for broken in
        ["username=a&username=b&password=c", "username=a&password=b&x=1&x=2", "username=%ff"]
    {
        let (status, _) = ask(login, sent(kind, broken)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{broken}");
    }
    let (status, _) = ask(login, sent("multipart/form-data", "username=a&password=b")).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let mut leaking = sent(kind, "username=a&password=b");
    *leaking.uri_mut() = "/?password=b".parse().unwrap();
    assert_eq!(ask(login, leaking).await.0, StatusCode::BAD_REQUEST);

    let response = login.with_state(()).oneshot(sent(kind, "username=a&password=b")).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
}
