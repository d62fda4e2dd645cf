"""The rules of the house that no other tool can hold. Each rule is a function that lists breaches.

`code` reads the source tree, `names` the public names, `texts` the tracked files and the fragments.
"""
