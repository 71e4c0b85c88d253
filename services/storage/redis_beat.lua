#!lua
-- SPDX-License-Identifier: Apache-2.0
-- A heartbeat: it shows that this server can write, that nobody has begun another epoch, and, when it comes back, that
-- the feed is alive; and it enters the replica in the roster, as one who is there in this epoch.
--
-- KEYS  epoch of partition 0, the heartbeats of this replica, the roster
-- ARGV  epoch text, when it was sent by the clock of the replica, how long it is kept (ms), the replica;
--       within how long of the last heartbeat of an epoch others count as alive (ms), '1' if nobody is waited for
--
-- The roster has a line for each replica: who, when (by this server's clock, or by that of the one before), in which epoch.
-- Returns how many were alive when the last epoch ended and are not there yet.  Who was not heard of for as long as a
-- heartbeat is kept goes; so does who was silent before the end already.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return redis.error_reply('EPOCH another epoch has begun')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local current = tonumber(string.match(ARGV[1], '^%d+'))
local line = '%s %.0f %.0f\n'
local others, roster, missing, last = {}, '', 0, 0

for origin, at, epoch in string.gmatch(redis.call('GET', KEYS[3]) or '', '(%x+) (%d+) (%d+)\n') do
    at, epoch = tonumber(at), tonumber(epoch)
    if epoch ~= current then
        last = math.max(last, at)
    end
    if origin ~= ARGV[4] then
        others[#others + 1] = {origin, at, epoch}
    end
end
for _, other in ipairs(others) do
    local origin, at, epoch = unpack(other)
    local is_kept = at > now - ARGV[3]

    if epoch ~= current then
        is_kept = ARGV[6] == '' and at >= last - ARGV[5]
        missing = missing + (is_kept and 1 or 0)
    end
    if is_kept then
        roster = roster .. string.format(line, origin, at, epoch)
    end
end
redis.call('XADD', KEYS[2], 'MAXLEN', 1, '*', 't', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], roster .. string.format(line, ARGV[4], now, current))
return missing
