-- SPDX-License-Identifier: BSD-3-Clause
-- A Pktgen and a device that is slower than its line, for throughput_test.py: what tools/pktgen's
-- script calls, and nothing else. FAKE_CAPACITY: percent of the line that the device forwards;
-- FAKE_SENDS: percent of the line that the generator can send; FAKE_BURST: packets that are lost in
-- trials longer than 20 s above FAKE_BURST_FROM percent.
-- Usage: lua5.3 fake_pktgen.lua throughput.lua

local LINE_PPS = 1000000

local function number(name, default)
	return tonumber(os.getenv("FAKE_" .. name) or "") or default
end

local sent, received, rate, is_sending, samples = 0, 0, 0, false, nil

pktgen = {}

function pktgen.set(port, what, value)
	assert(port == "0" and what == "rate")
	rate = value
end

function pktgen.start(port)
	assert(port == "0")
	is_sending = true
end

function pktgen.stop(port)
	assert(port == "0")
	is_sending = false
end

function pktgen.delay(ms)
	assert(math.type(ms) == "integer", "Pktgen takes whole milliseconds")
	if not is_sending then
		return
	end
	local sends = math.min(rate, number("SENDS", 100))
	local n = math.floor(LINE_PPS * sends / 100 * ms / 1000)
	local passed = math.floor(n * math.min(number("CAPACITY", 100) / sends, 1))
	if ms > 20000 and sends > number("BURST_FROM", 100) then
		passed = passed - 1
	end
	sent, received = sent + n, received + passed
end

function pktgen.portStats(ports, what)
	assert(ports == "all" and what == "port")
	return { [0] = { opackets = sent, ipackets = 0 }, [1] = { opackets = 0, ipackets = received } }
end

function pktgen.portInfo(port)
	assert(port == "0")
	return { [0] = { info = { tx_debug = { tx_pps = math.floor(LINE_PPS * rate / 100) } } } }
end

function pktgen.latsampler_params(port, kind, n, pps, path)
	assert(port == "1" and kind == "simple" and n <= 50000 and pps > 0)
	samples = path
end

function pktgen.latsampler(port, state)
	assert(port == "1")
	if state == "on" then
		return
	end
	local file = assert(io.open(samples, "w"))
	file:write("Latency\n")
	for i = 100, 1, -1 do
		file:write(i * 1000, "\n")
	end
	file:close()
end

function pktgen.latency(ports, what, value)
	assert(ports == "0,1" and (what == "on" or (what == "rate" and value > 0)))
end

function pktgen.load(path)
	assert(io.open(path)):close()
end

function pktgen.screen(state)
	assert(state == "off")
end

function pktgen.quit()
	os.exit(0)
end

dofile(arg[1])
os.exit(1) -- it has to quit
