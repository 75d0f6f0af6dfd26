/* struct signal_action, by the name under which syscalls.def looks for it. */
#pragma once

#include <postern/signal.h>
