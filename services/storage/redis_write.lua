#!lua
-- SPDX-License-Identifier: Apache-2.0
-- One write: everything or nothing.
--
-- KEYS  epoch, counter, feed, outbox; the keys of the guards; the keys of the puts
-- ARGV  epoch text, now_ms, feed length, changes, how many guards, how many puts;
--       of each guard: subject .. version;
--       of each put: subject, expires_at_ms .. data ('' removes), life in ms ('' for ever);
--       the outbox records
--
-- Returns the number of the write (8 bytes), or which guard does not hold (an integer from 1).  Out of memory, a
-- read-only replica, a failing disk or too few replicas refuse a script that writes before it begins (`#!lua` without
-- flags), and what can fail inside comes before the first command that writes or is that command.
local LISTS, FIXED, COUNTER_LAST = 4, 6, 2^40 - 1
local guards, puts = tonumber(ARGV[5]), tonumber(ARGV[6])

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return redis.error_reply('EPOCH another epoch has begun')
end

for i = 1, guards do
    local wanted = ARGV[FIXED + i]
    local head = redis.call('GETRANGE', KEYS[LISTS + i], 0, 33)
    local version = string.rep('\0', 8)

    if head ~= '' then
        if #head < 34 or string.sub(head, 1, 18) ~= string.sub(wanted, 1, 18) then
            return redis.error_reply('CORRUPT a value of another key or format')
        end
        if struct.unpack('>i8', head, 27) > tonumber(ARGV[2]) then
            version = string.sub(head, 19, 26)
        end
    end
    if version ~= string.sub(wanted, 19) then
        return i
    end
end

local records = {}
for i = FIXED + guards + 3 * puts + 1, #ARGV do
    records[#records + 1] = 'r'
    records[#records + 1] = ARGV[i]
end
redis.call('XLEN', KEYS[4])

local epoch = string.match(ARGV[1], '^%d+')
local last = tonumber(string.match(redis.call('GET', KEYS[2]) or '', '^%d+$'))

if not last or last >= COUNTER_LAST then
    return redis.error_reply('EPOCH the counter is lost, and only another epoch makes one')
end

local counter = string.format('%.0f', last + 1)
local number = struct.pack('>I3I5', tonumber(epoch), tonumber(counter))
local id = epoch .. '-' .. counter

-- The feed refuses an id that is not the largest: then nothing has happened.
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], id, 'c', ARGV[4])
redis.call('SET', KEYS[2], counter)
for i = 1, puts do
    local key, at = KEYS[LISTS + guards + i], FIXED + guards + 3 * i - 2

    if ARGV[at + 1] == '' then
        redis.call('DEL', key)
    elseif ARGV[at + 2] == '' then
        redis.call('SET', key, ARGV[at] .. number .. ARGV[at + 1])
    else
        redis.call('SET', key, ARGV[at] .. number .. ARGV[at + 1], 'PX', ARGV[at + 2])
    end
end
if #records > 0 then
    redis.call('XADD', KEYS[4], id, unpack(records))
end
return number
