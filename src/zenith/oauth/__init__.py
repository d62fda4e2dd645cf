"""Sign-in with other providers: OAuth 2 and OpenID Connect."""
