"""The smallest application: accounts, sign-in, tokens, headers, limits and an audit log.

uvicorn examples.smallest:app
"""

from zenith import CurrentUser, Zenith

app = Zenith()
app.add_auth()


@app.get("/")
async def hello(user: CurrentUser) -> dict[str, str]:
    return {"message": f"Hello {user.email}"}
