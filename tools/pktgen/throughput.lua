-- SPDX-License-Identifier: BSD-3-Clause
-- The throughput of RFC 2544 26.1 with Pktgen: port 0 replays the pcap file of its option -s, port 1
-- counts. tools/pktgen/throughput starts it and says in the environment what it wants; Pktgen hands
-- scripts no arguments.
--
--   PODLANE_DIR       with packets.pcap's companion pktgen.pkt (tools/make-traffic), and for results
--   PODLANE_LUA       the folder of this file
--   PODLANE_SECONDS, PODLANE_CONFIRM_SECONDS, PODLANE_RESOLUTION, PODLANE_LOSS, PODLANE_PROBE_PPS,
--   PODLANE_TOP       the highest rate, percent of the line

local dir = os.getenv("PODLANE_DIR") or "."
package.path = (os.getenv("PODLANE_LUA") or "tools/pktgen") .. "/?.lua;" .. package.path
local search = require("search")

local SEND, RECEIVE = 0, 1
local MAX_SAMPLES = 50000 -- of Pktgen's latency sampler
local SETTLE_MS = 2500 -- Pktgen reads its ports' counters once a second
local SAMPLES = dir .. "/latency.txt"

local function number(name, default)
	return tonumber(os.getenv("PODLANE_" .. name) or "") or default
end

local seconds, confirm_seconds = number("SECONDS", 10), number("CONFIRM_SECONDS", 60)
local probe_pps = number("PROBE_PPS", 1000)

local function counters()
	local stats = pktgen.portStats("all", "port")
	return stats[SEND].opackets, stats[RECEIVE].ipackets
end

-- Packets a second at a rate, as Pktgen itself has worked it out from the link's speed.
local function wanted_pps()
	return pktgen.portInfo(tostring(SEND))[SEND].info.tx_debug.tx_pps
end

local function say(trial, duration)
	print(string.format("  %7.2f %%  %7.3f Mpps  sent %13d  lost %11d", trial.rate,
		trial.sent / duration / 1e6, trial.sent, search.lost(trial)))
end

local function attempt(rate, duration)
	pktgen.set(tostring(SEND), "rate", rate)
	pktgen.delay(SETTLE_MS)
	local sent_before, received_before = counters()
	pktgen.start(tostring(SEND))
	pktgen.delay(math.floor(duration * 1000))
	pktgen.stop(tostring(SEND))
	pktgen.delay(SETTLE_MS)
	local sent, received = counters()
	local trial = { rate = rate, wanted = wanted_pps() * duration, sent = sent - sent_before,
		received = received - received_before }
	say(trial, duration)
	return trial
end

local function send(rate)
	return attempt(rate, seconds)
end

-- The long trial also samples latency; the samples of the last one stay in the file.
local function confirm(rate)
	if probe_pps == 0 then
		return attempt(rate, confirm_seconds)
	end
	pktgen.latsampler_params(tostring(RECEIVE), "simple",
		math.min(math.floor(probe_pps * confirm_seconds), MAX_SAMPLES), probe_pps, SAMPLES)
	pktgen.latsampler(tostring(RECEIVE), "on")
	local trial = attempt(rate, confirm_seconds)
	pktgen.latsampler(tostring(RECEIVE), "off")
	return trial
end

local function latency_us()
	local samples = {}
	local file = io.open(SAMPLES)
	if file == nil then
		return {}
	end
	for line in file:lines() do
		samples[#samples + 1] = tonumber(line) -- ns; the first line is a title
	end
	file:close()
	table.sort(samples)
	local p50, p99 = search.percentile(samples, 0.5), search.percentile(samples, 0.99)
	return { p50 = p50 and p50 / 1000, p99 = p99 and p99 / 1000, n = #samples }
end

local function json(value)
	if type(value) == "number" then
		return string.format("%.17g", value)
	elseif type(value) ~= "table" then
		return tostring(value)
	end
	local parts = {}
	if #value > 0 then
		for _, one in ipairs(value) do
			parts[#parts + 1] = json(one)
		end
		return "[" .. table.concat(parts, ", ") .. "]"
	end
	for key, one in pairs(value) do
		parts[#parts + 1] = string.format('"%s": %s', key, json(one))
	end
	table.sort(parts)
	return "{" .. table.concat(parts, ", ") .. "}"
end

local function write_result(result)
	local file = assert(io.open(dir .. "/result.json", "w"))
	file:write(json(result), "\n")
	file:close()
end

local function main()
	pktgen.load(dir .. "/pktgen.pkt")
	if probe_pps > 0 then
		local both = SEND .. "," .. RECEIVE
		pktgen.latency(both, "rate", math.floor(1000000 / probe_pps)) -- us between two
		pktgen.latency(both, "on")
	end
	local found = search.throughput(send, confirm, { top = number("TOP", 100),
		resolution = number("RESOLUTION", 0.5), loss_limit = number("LOSS", 0) })
	write_result({ percent = found.rate,
		mpps = found.best and found.best.sent / confirm_seconds / 1e6 or 0,
		latency_us = found.best and probe_pps > 0 and latency_us() or {},
		is_generator_limited = found.is_generator_limited, trials = found.trials })
end

pktgen.screen("off")
os.remove(SAMPLES)
-- After an error Pktgen would wait at its prompt.
local is_done, problem = pcall(main)
if not is_done then
	print("\nthroughput.lua: " .. tostring(problem))
end
pktgen.quit()
