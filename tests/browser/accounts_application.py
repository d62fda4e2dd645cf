"""An application with accounts, as anybody writes one, for the browser."""

from __future__ import annotations

from zenith import CurrentUser, Zenith

app = Zenith()
app.add_auth()


@app.get("/mine")
async def mine(user: CurrentUser):
    return {"mine": user.email}
