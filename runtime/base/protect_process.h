/* What every program does first. */
#ifndef HERMES_PROTECT_PROCESS_H
#define HERMES_PROTECT_PROCESS_H

/* Keys must end neither in a core file nor under another user's debugger. Standard descriptors that the caller closed
 * stay unusable, but taken: else a file of ours would get their number, and what is printed would go into it. */
void protect_process(void);

#endif
