#!lua
-- SPDX-License-Identifier: Apache-2.0
-- A heartbeat: it shows that this server can write, that nobody has begun another epoch, and, when it comes back, that
-- the feed is alive.
--
-- KEYS  epoch of partition 0, the heartbeats of this replica
-- ARGV  epoch text, when it was sent by the clock of the replica, how long it is kept (ms)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return redis.error_reply('EPOCH another epoch has begun')
end
redis.call('XADD', KEYS[2], 'MAXLEN', 1, '*', 't', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
