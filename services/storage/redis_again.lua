#!lua
-- SPDX-License-Identifier: Apache-2.0
-- A write that this server has lost, once more: what it put where nothing as new is found, its changes, its records.
--
-- KEYS  epoch, counter, feed, outbox; the keys of the puts
-- ARGV  epoch text, feed length, changes, the number that it had (8 bytes), how many puts;
--       of each put: subject, expires_at_ms .. data ('' removes), life in ms ('' for ever);
--       the outbox records
--
-- Returns its new number (8 bytes; '' when nothing was left to do), and for each put 1 or 0: put, or left as it was
-- found, as new or newer.  A write without puts is only its records.  As in a write, nothing fails behind the first
-- command that writes.
local LISTS, FIXED, COUNTER_LAST = 4, 5, 2^40 - 1
local puts = tonumber(ARGV[5])

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return redis.error_reply('EPOCH another epoch has begun')
end

-- Not by `<` of strings, which goes by the locale, nor as one number, which has more bits than Lua's.
local old_epoch, old_counter = struct.unpack('>I3I5', ARGV[4])
local marks, wanted = '', puts == 0 and #ARGV > FIXED

for i = 1, puts do
    local at = FIXED + 3 * i - 2
    local head = redis.pcall('GETRANGE', KEYS[LISTS + i], 0, 33)
    local is_older = head == '' and ARGV[at + 1] ~= ''

    -- What is no value of ours, or no string (an error), is not ours to replace: reading says so.
    if type(head) == 'string' and #head == 34 and string.sub(head, 1, 18) == ARGV[at] then
        local epoch, counter = struct.unpack('>I3I5', string.sub(head, 19, 26))

        is_older = epoch < old_epoch or epoch == old_epoch and counter < old_counter
    end
    marks = marks .. (is_older and '1' or '0')
    wanted = wanted or is_older
end
if not wanted then
    return {'', marks}
end

local records = {}
for i = FIXED + 3 * puts + 1, #ARGV do
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

redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[2], id, 'c', ARGV[3])
redis.call('SET', KEYS[2], counter)
for i = 1, puts do
    local key, at = KEYS[LISTS + i], FIXED + 3 * i - 2

    if string.sub(marks, i, i) == '0' then
        -- It stays.
    elseif ARGV[at + 1] == '' then
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
return {number, marks}
