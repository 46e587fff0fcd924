"""The targets of a soak: a busy Python for each interpreter, and the daemons."""

import functools

import interpreters
from load_busy import Busy
from load_fail2ban import Fail2ban
from load_supervisor import Supervisor
from load_wsgi import Gunicorn, Uwsgi

DAEMONS = {"fail2ban": Fail2ban, "gunicorn": Gunicorn, "uwsgi": Uwsgi, "supervisor": Supervisor}


def busy(interpreter):
    return functools.partial(Busy, interpreter)


def present():
    """{name: what makes it} of all that might be here."""
    found = {"busy-" + one.name: busy(one) for one in interpreters.EXPECTED if one.path}
    found.update(DAEMONS)
    return found
