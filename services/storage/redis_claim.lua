#!lua
-- SPDX-License-Identifier: Apache-2.0
-- The claim of a partition's outbox: one replica at a time moves records out of it.
--
-- KEYS  epoch, claim
-- ARGV  epoch text, claimant, for how many ms (0: give it up)
--
-- Returns 1 when the claim is the claimant's (or given up), 0 when it is somebody else's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return redis.error_reply('EPOCH another epoch has begun')
end

local holder = redis.call('GET', KEYS[2])

if holder and holder ~= ARGV[2] then
    return 0
end
if ARGV[3] ~= '0' then
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
elseif holder then
    redis.call('DEL', KEYS[2])
end
return 1
