#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- The oldest entries of the outbox, until they have enough records or bytes.
--
-- KEYS  outbox
-- ARGV  how many records, how many bytes
--
-- Returns entries as XRANGE does.
local STEP = 16
local found, records, bytes, from = {}, 0, 0, '-'
local entries

repeat
    entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', STEP)
    for _, entry in ipairs(entries) do
        if records >= tonumber(ARGV[1]) or bytes >= tonumber(ARGV[2]) then
            return found
        end
        found[#found + 1] = entry
        from = '(' .. entry[1]
        for i = 2, #entry[2], 2 do
            records = records + 1
            bytes = bytes + #entry[2][i]
        end
    end
until #entries < STEP
return found
