const certificate = `-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUFeVfgtuZxjKw3zDIbbBLVQQ0q2YwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTIwMTEwMzc0MVoYDzIxMjYxMTA3
MTAzNzQxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASgyqGRWWLNRnnAd8ywAp6wyQ4skuMxbziY6gN9oWf8VUFhNTmo/JDz
MhalYa5WkiU5IpQO6xTYKew1RK10wnP3o1MwUTAdBgNVHQ4EFgQU7tyk3bdywSbg
pB0SZsqMQdQ1NzUwHwYDVR0jBBgwFoAU7tyk3bdywSbgpB0SZsqMQdQ1NzUwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAnX3aTCIVHOwWwHQLlxbZa
CAWMkjBACFLHRW/0TLJkFwIgPVphkApCG2xyUcnxHg9QQE1HnKYg/TMCUxDZlMV4
tb4=
-----END CERTIFICATE-----
`
const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgv1ZTS8vqSmWNEwWD
VMzOvfHch661tUzkeqlmYuyfZ2ShRANCAASgyqGRWWLNRnnAd8ywAp6wyQ4skuMx
bziY6gN9oWf8VUFhNTmo/JDzMhalYa5WkiU5IpQO6xTYKew1RK10wnP3
-----END PRIVATE KEY-----
`

/** A self-signed certificate for localhost, for tests; it protects nothing. */
export const testIdentity = { certificate, privateKey } as const
