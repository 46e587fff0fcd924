"""
The smallest service with python-slip in it, which keeps whatever its callers leave behind.

Says READY when it can be called; the bus is that of DBUS_SYSTEM_BUS_ADDRESS.
"""

import dbus
import dbus.mainloop.glib
import dbus.service
import slip.dbus.service
from gi.repository import GLib


class Service(slip.dbus.service.Object):
    persistent = True
    default_polkit_auth_required = "org.example.nothing"

    @dbus.service.method("org.example.Service", in_signature="", out_signature="s")
    def Hello(self):
        return "hello"


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
service = Service(dbus.service.BusName("org.example.Service", bus), "/org/example/Service")
loop = GLib.MainLoop()
slip.dbus.service.set_mainloop(loop)
print("READY", flush=True)
loop.run()
