// The types of a host, old and new: see guards.c for how it is compiled.
struct task {
	int pid;
#ifndef OLD
	int recent;
#endif
};
#ifdef OLD
enum state { STATE_OLD };
#else
enum state { STATE_OLD, STATE_NEW = 8 };
#endif
#ifndef OLD
struct twice {
	int here;
} twice;
struct twice___other {
	int first, here;
} other;
int some_function(void)
{
	return 0;
}
#endif
struct task task;
enum state state;
