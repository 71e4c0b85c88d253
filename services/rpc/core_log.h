/* SPDX-License-Identifier: Apache-2.0 */
/* Core's log: what it says becomes lines of ours. */
#ifndef RPC_CORE_LOG_H
#define RPC_CORE_LOG_H

/* From now on.  Peers can make core complain as often as they like, and choose the words: a
 * complaint is one escaped line, and there are few of them a second.  How many were left out stands
 * in the next that is not. */
void core_log_start(void);

#endif
