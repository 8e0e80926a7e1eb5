"""Three routes behind a login, to be run twice: the instance is named on every answer.

SESSIONS=memory   the login lies in this process, the cookie holds its number
SESSIONS=signed   Flask's own session: the login lies in the cookie, signed with SECRET_KEY
"""

import os
import secrets

from flask import Flask, jsonify, request, session

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY")
INSTANCE = os.environ["INSTANCE"]
IN_MEMORY = os.environ.get("SESSIONS", "memory") == "memory"

# Made for this, and good for nothing else.
USERS = {"grace": "not-a-secret", "alan": "not-one-either"}

# Who is logged in here, by the number in the cookie. The other instance has its own.
logins = {}


@app.post("/login")
def log_in():
    name = request.form["name"]
    if USERS.get(name) != request.form["password"]:
        return jsonify(error="wrong name or password"), 401
    answer = jsonify(name=name)
    if IN_MEMORY:
        number = secrets.token_urlsafe(16)
        logins[number] = name
        answer.set_cookie("session", number, httponly=True, samesite="Lax")
    else:
        session["name"] = name
    return answer


@app.get("/whoami")
def who_am_i():
    name = logins.get(request.cookies.get("session")) if IN_MEMORY else session.get("name")
    return jsonify(name=name) if name else (jsonify(error="who are you?"), 401)


@app.post("/logout")
def log_out():
    answer = jsonify(bye=True)
    if IN_MEMORY:
        logins.pop(request.cookies.get("session"), None)
        answer.delete_cookie("session")
    else:
        session.clear()
    return answer


@app.after_request
def name_the_instance(answer):
    answer.headers["x-instance"] = INSTANCE
    return answer
