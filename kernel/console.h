/* The console of programs. */
#pragma once

/* Makes /dev/console. */
void console_init(void);
