/*
 * An extension module of Python whose types misbehave in tp_traverse: for tests of what pyinspect
 * does with such code.
 *
 * Does not misbehave before it is armed (arm(1)), so that the process itself can collect
 * garbage and end. All types but Many and OwnSize hold one referent, which they visit
 * before or instead of what they do wrong.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	MANY = 100000,
	/* Small: whatever lies below the stack is overwritten without gaps. */
	FRAME_BYTES = 16,
	/* Large: it would step over a guard of a page or two. */
	LARGE_FRAME_BYTES = 50000,
	OWN_SIZE = 4711,
	/* No object: more than what is mapped, and not aligned. */
	UNMAPPED = 0x10,
	UNALIGNED = 0x7fff0001,
};

/* Volatile: or the endless loop would be one whatever becomes of it. */
static volatile int armed;

/* clang-format off */
struct holder {
	PyObject_HEAD
	PyObject *referent;
};

struct many {
	PyObject_HEAD
	PyObject *items[MANY];
};
/* clang-format on */

/* Readable, and as large as an object, but none. */
static uint64_t no_object[8] = { 1, 0, 1, 0, 1, 0, 1, 0 };
static uint64_t no_type[8] = { 1, (uint64_t)1 << 62, 1, 0, 1, 0, 1, 0 };

static int visit_referent(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(((struct holder *)self)->referent);
	return 0;
}

static int bad_pointer_traverse(PyObject *self, visitproc visit, void *arg)
{
	if (armed)
		return *(volatile int *)(uintptr_t)UNMAPPED;
	return visit_referent(self, visit, arg);
}

static int endless_traverse(PyObject *self, visitproc visit, void *arg)
{
	while (armed)
		;
	return visit_referent(self, visit, arg);
}

static int system_call_traverse(PyObject *self, visitproc visit, void *arg)
{
	if (armed && syscall(SYS_getpid) != getpid())
		return -1;
	return visit_referent(self, visit, arg);
}

static int garbage_traverse(PyObject *self, visitproc visit, void *arg)
{
	const uintptr_t garbage[] = {
		UNMAPPED,
		UNALIGNED,
		(uintptr_t)no_object,
		(uintptr_t)no_type,
		/* A non-canonical address, and the very last one. */
		(uintptr_t)1 << 60,
		UINTPTR_MAX - 7,
		/* Code. */
		(uintptr_t)(void *)visit_referent & ~(uintptr_t)7,
	};

	for (size_t i = 0; armed && i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		int result = visit((PyObject *)garbage[i], arg);

		if (result)
			return result;
	}
	return visit_referent(self, visit, arg);
}

static int dive(volatile const char *above)
{
	volatile char frame[FRAME_BYTES];

	frame[0] = above[0];
	/* The sum keeps the compiler from making a loop of it. */
	return armed ? dive(frame) + frame[0] : frame[0];
}

static int dive_in_large_steps(volatile const char *above)
{
	volatile char frame[LARGE_FRAME_BYTES];

	frame[0] = above[0];
	return armed ? dive_in_large_steps(frame) + frame[0] : frame[0];
}

static int large_recursion_traverse(PyObject *self, visitproc visit, void *arg)
{
	if (armed && dive_in_large_steps("\1"))
		return -1;
	return visit_referent(self, visit, arg);
}

static int recursion_traverse(PyObject *self, visitproc visit, void *arg)
{
	if (armed && dive("\1"))
		return -1;
	return visit_referent(self, visit, arg);
}

static int abort_traverse(PyObject *self, visitproc visit, void *arg)
{
	if (armed)
		abort();
	return visit_referent(self, visit, arg);
}

static int many_traverse(PyObject *self, visitproc visit, void *arg)
{
	for (int i = 0; i < MANY; i++)
		Py_VISIT(((struct many *)self)->items[i]);
	return 0;
}

static PyObject *holder_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
	PyObject *referent;
	struct holder *self;

	(void)keywords;
	if (!PyArg_ParseTuple(arguments, "O", &referent))
		return NULL;
	self = (struct holder *)type->tp_alloc(type, 0);
	if (!self)
		return NULL;
	Py_INCREF(referent);
	self->referent = referent;
	return (PyObject *)self;
}

static int holder_clear(PyObject *self)
{
	Py_CLEAR(((struct holder *)self)->referent);
	return 0;
}

static void holder_dealloc(PyObject *self)
{
	PyObject_GC_UnTrack(self);
	holder_clear(self);
	Py_TYPE(self)->tp_free(self);
}

static PyObject *many_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
	struct many *self = (struct many *)type->tp_alloc(type, 0);

	(void)arguments;
	(void)keywords;
	for (int i = 0; self && i < MANY; i++) {
		self->items[i] = PyFloat_FromDouble(i + 0.25);
		if (!self->items[i])
			Py_CLEAR(self);
	}
	return (PyObject *)self;
}

static void many_dealloc(PyObject *self)
{
	PyObject_GC_UnTrack(self);
	for (int i = 0; i < MANY; i++)
		Py_XDECREF(((struct many *)self)->items[i]);
	Py_TYPE(self)->tp_free(self);
}

static PyObject *own_size(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	return PyLong_FromLong(OWN_SIZE);
}

static PyMethodDef own_size_methods[] = {
	{ "__sizeof__", own_size, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static int own_is_gc(PyObject *self);

/* clang-format off */
#define HOLDER_TYPE(variable, type_name, traverse) \
	static PyTypeObject variable = { \
		PyVarObject_HEAD_INIT(NULL, 0) \
		.tp_name = "hostile." type_name, \
		.tp_basicsize = sizeof(struct holder), \
		.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, \
		.tp_new = holder_new, \
		.tp_dealloc = holder_dealloc, \
		.tp_traverse = traverse, \
		.tp_clear = holder_clear, \
	}

HOLDER_TYPE(bad_pointer_type, "BadPointer", bad_pointer_traverse);
HOLDER_TYPE(endless_type, "Endless", endless_traverse);
HOLDER_TYPE(system_call_type, "SystemCall", system_call_traverse);
HOLDER_TYPE(garbage_type, "Garbage", garbage_traverse);
HOLDER_TYPE(recursion_type, "Recursion", recursion_traverse);
HOLDER_TYPE(large_recursion_type, "LargeRecursion", large_recursion_traverse);
HOLDER_TYPE(abort_type, "Abort", abort_traverse);

static PyTypeObject own_is_gc_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "hostile.OwnIsGc",
	.tp_basicsize = sizeof(struct holder),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.tp_new = holder_new,
	.tp_dealloc = holder_dealloc,
	.tp_traverse = visit_referent,
	.tp_clear = holder_clear,
	.tp_is_gc = own_is_gc,
};

static PyTypeObject many_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "hostile.Many",
	.tp_basicsize = sizeof(struct many),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.tp_new = many_new,
	.tp_dealloc = many_dealloc,
	.tp_traverse = many_traverse,
};

static PyTypeObject own_size_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "hostile.OwnSize",
	.tp_basicsize = sizeof(PyObject),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_new = PyType_GenericNew,
	.tp_methods = own_size_methods,
};

/* An object without a GC head, of a type whose other objects have one. */
static struct holder headless = { PyObject_HEAD_INIT(&own_is_gc_type) NULL };
/* clang-format on */

static int own_is_gc(PyObject *self)
{
	return self != (PyObject *)&headless;
}

static PyObject *arm(PyObject *module, PyObject *argument)
{
	(void)module;
	armed = PyObject_IsTrue(argument);
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{ "arm", arm, METH_O, "From now on (or no more) the types misbehave." },
	{ NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "hostile",
	.m_size = -1,
	.m_methods = methods,
};

static const struct {
	const char *name;
	PyTypeObject *type;
} types[] = {
	{ "BadPointer", &bad_pointer_type },
	{ "Endless", &endless_type },
	{ "SystemCall", &system_call_type },
	{ "Garbage", &garbage_type },
	{ "Recursion", &recursion_type },
	{ "LargeRecursion", &large_recursion_type },
	{ "Abort", &abort_type },
	{ "OwnIsGc", &own_is_gc_type },
	{ "Many", &many_type },
	{ "OwnSize", &own_size_type },
};

static int add(PyObject *module, const char *name, void *object)
{
	Py_INCREF((PyObject *)object);
	return PyModule_AddObject(module, name, object);
}

PyMODINIT_FUNC PyInit_hostile(void)
{
	PyObject *module = PyModule_Create(&definition);

	for (size_t i = 0; module && i < sizeof(types) / sizeof(types[0]); i++)
		if (PyType_Ready(types[i].type) || add(module, types[i].name, types[i].type))
			Py_CLEAR(module);
	if (module && add(module, "headless", &headless))
		Py_CLEAR(module);
	return module;
}
