/* What ioctl() may ask; the numbers are those of Linux/i386. */
#pragma once

#define FIONREAD 0x541b /* bytes that can be read now; argument: int * */
