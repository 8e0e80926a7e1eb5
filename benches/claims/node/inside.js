// The generator inside the server's own process, sharing its one event loop, as published.
// Counted per second of that process's CPU time: its event loop is never idle.
// Arguments: way (session or jwt), seconds, the Redis URL. Prints {"per_second": N}.

import autocannon from "autocannon";

const [way, seconds, redisUrl] = process.argv.slice(2);
// The server reads its flags from the same list.
process.argv = [...process.argv.slice(0, 2), "--way", way, "--key", "string", "--express", "5"];
if (redisUrl) process.argv.push("--redis-url", redisUrl);

const listening = new Promise((resolve) => {
  const log = console.log;
  console.log = (line) => {
    console.log = log;
    resolve(`http://${line.split(" ")[1]}`);
  };
});
await import("./server.js");
const url = await listening;
const login = await fetch(`${url}/login`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ username: "load-00000" }),
});
const { access_token } = await login.json();
const headers = access_token
  ? { authorization: `Bearer ${access_token}` }
  : { cookie: login.headers.get("set-cookie").split(";")[0] };
const ask = (connections, duration) =>
  autocannon({ url: `${url}/me`, connections, duration, headers });
// As published: warm for two seconds, then measured.
await ask(10, 2);
const before = process.cpuUsage();
const result = await ask(50, Number(seconds));
if (result.non2xx > 0 || result.errors > 0) throw new Error("a wrong answer");
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ per_second: result.requests.total / ((user + system) / 1e6) }));
process.exit(0);
