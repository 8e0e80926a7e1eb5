"""How schemathesis shows a login: the one that $SVJ_LOGIN names, as `Header: value`.

A fixed header would still be sent where a check has taken the login away.
"""

import os

import schemathesis


@schemathesis.auth()
class Login:
    def get(self, case, context):
        return os.environ["SVJ_LOGIN"].split(": ", 1)

    def set(self, case, login, context):
        header, value = login
        if header == "Cookie":
            name, _, value = value.partition("=")
            case.cookies = {**(case.cookies or {}), name: value}
        else:
            case.headers = {**(case.headers or {}), header: value}
