/*
 * A thread that takes queued signals, many of them, and writes down each: see flood.c.
 */
#ifndef PYI_TEST_FLOOD_H
#define PYI_TEST_FLOOD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/*
 * receive(how, first, count): takes the signals from `first` on until SIGUSR2 comes; `how` is
 * "handler", "sigwaitinfo" or "signalfd". Returns ([(signal, value, sender), ...], interruptions
 * without a signal). All signals must be blocked in all threads before.
 */
PyObject *flood_receive(PyObject *self, PyObject *arguments);

#endif
