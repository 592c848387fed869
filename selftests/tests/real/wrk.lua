-- SPDX-License-Identifier: GPL-2.0-only
-- What wrk asks for, and what it must get: files of /tmp/real/www, byte by byte.
-- Usage: wrk -t 1 -s wrk.lua URL RESPONSES
-- wrk sleeps to the end of its time, however early a thread stops, unless it is interrupted.

local sizes = { 100, 20000, 1000, 20000, 300, 300000, 1, 20000 }
local bodies = {}
local asked = 0

function setup(t)
	thread = t
end

function init(args)
	most = tonumber(args[1])
	right, wrong, why = 0, 0, ""
	for _, size in ipairs(sizes) do
		local file = assert(io.open("/tmp/real/www/" .. size, "rb"))

		bodies["/" .. size] = file:read("*a")
		file:close()
	end
end

function request()
	asked = asked + 1
	return wrk.format("GET", "/" .. sizes[asked % #sizes + 1])
end

function response(status, headers, body)
	local path = headers["X-Path"] or headers["x-path"]

	if status == 200 and path and body == bodies[path] then
		right = right + 1
	else
		wrong = wrong + 1
		why = " (status " .. status .. " for " .. tostring(path) .. ", " .. #body .. " bytes)"
	end
	if right + wrong == most then
		-- later: while it waits for the shell, wrk ignores it
		os.execute("(sleep 0.1; kill -INT $PPID) &")
	end
end

function done(summary, latency, requests)
	local enough = thread:get("right") >= thread:get("most")

	io.write(string.format("enough %s, wrong %d%s, connect %d, read %d, write %d, " ..
		"status %d, timeout %d\n", tostring(enough), thread:get("wrong"), thread:get("why"),
		summary.errors.connect, summary.errors.read, summary.errors.write,
		summary.errors.status, summary.errors.timeout))
end
