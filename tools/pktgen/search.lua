-- SPDX-License-Identifier: BSD-3-Clause
-- The throughput of RFC 2544 26.1: the highest rate at which nothing is lost, by bisection. The same
-- as tools/benchlib/search.py, to the step; test/unit/tools/throughput_test.py compares the two.

local search = {}

search.SENT_SHARE = 0.98 -- of what was asked for; below that the generator is the limit

function search.lost(trial)
	return math.max(trial.sent - trial.received, 0)
end

-- A trial without packets shows nothing.
function search.is_lossless(trial, loss_limit)
	return trial.sent > 0 and search.lost(trial) <= loss_limit * trial.sent
end

-- send(rate) tries a rate for a short time, confirm(rate) for a long one; both return a table with
-- rate, wanted, sent and received.
function search.throughput(send, confirm, options)
	local top, resolution = options.top or 100.0, options.resolution or 0.5
	local loss_limit = options.loss_limit or 0.0
	local trials = {}

	local function passes(rate, attempt)
		trials[#trials + 1] = attempt(rate)
		return search.is_lossless(trials[#trials], loss_limit)
	end

	local low, high = 0.0, top
	if passes(top, send) then
		low = top
	end
	while low < top and high - low > resolution do
		local rate = (low + high) / 2
		if passes(rate, send) then
			low = rate
		else
			high = rate
		end
	end
	while low > 0 and not passes(low, confirm) do
		low = math.max(low - resolution, 0.0)
	end
	local best = low > 0 and trials[#trials] or nil
	local is_limited = best ~= nil and best.sent < search.SENT_SHARE * best.wanted
	return { rate = low, best = best, trials = trials, is_generator_limited = is_limited }
end

-- Of values in ascending order: the one below which that share of them lies.
function search.percentile(sorted, share)
	if #sorted == 0 then
		return nil
	end
	return sorted[math.max(math.ceil(share * #sorted), 1)]
end

return search
