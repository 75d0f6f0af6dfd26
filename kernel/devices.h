/* Devices: their numbers, their files in /dev, and the simple ones. */
#pragma once

/* Makes /dev/null, zero, full, random and console. Once the root is there. */
void devices_init(void);
