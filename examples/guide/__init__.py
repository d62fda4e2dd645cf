"""One application with everything that the two security guides ask for, a module per topic.

    uvicorn --factory examples.guide.app:create_app

`docs/guide-coverage.md` says which snippet of the guides is where, and which test proves it.
"""
