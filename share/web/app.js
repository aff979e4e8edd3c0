// SPDX-License-Identifier: Apache-2.0
// Every cluster and its tree, as the API tells them; asked again every few
// seconds while the page is in sight.  Names are only ever put in as text.

const api = new URL("../api/", import.meta.url);
const EVERY_MS = 5000;
const LIMIT_MS = 20000;
const AT_ONCE = 4;

const state = document.getElementById("state");
const list = document.getElementById("clusters");
const template = document.getElementById("cluster");

async function get(...words) {
	const path = words.map(encodeURIComponent).join("/");
	const reply = await fetch(new URL(path, api), {
		signal: AbortSignal.timeout(LIMIT_MS),
	});
	const type = reply.headers.get("content-type") ?? "";
	if (!type.startsWith("application/json"))
		throw new Error(`${reply.status} ${reply.statusText}`);
	const body = await reply.json();
	if (!reply.ok)
		throw new Error(body?.Message || `status ${reply.status}`);
	return body;
}

function say(text, bad = false) {
	state.textContent = text;
	state.classList.toggle("bad", bad);
}

// "db1:3306   [0s,ok,8.4.3,rw,ROW,>>,GTID]": the second word in the brackets
// is the state of the server.
function treeLine(line) {
	const at = /\[[^,\]]*,([^,\]]*)/.exec(line);
	if (at === null)
		return [line];
	const from = at.index + at[0].length - at[1].length;
	const mark = document.createElement("span");
	mark.textContent = at[1];
	mark.className = at[1] === "ok" ? "good" : "bad";
	return [line.slice(0, from), mark, line.slice(from + at[1].length)];
}

function showTree(pre, text) {
	const parts = [];
	for (const line of text.split("\n"))
		parts.push(...treeLine(line), "\n");
	parts.pop();
	pre.replaceChildren(...parts);
}

function facts(info) {
	const count = info.CountInstances;
	const words = [`${count} ${count === 1 ? "server" : "servers"}`];
	if (info.ClusterAlias && info.ClusterAlias !== info.ClusterName)
		words.push(info.ClusterName);
	if (info.ClusterDomain)
		words.push(info.ClusterDomain);
	words.push(info.HasAutomatedMasterRecovery ?
		"recovers by itself" : "recovers by hand");
	return words.join(" · ");
}

function card(info) {
	const section = template.content.firstElementChild.cloneNode(true);
	section.dataset.name = info.ClusterName;
	return section;
}

async function fill(section, info) {
	section.querySelector("h2").textContent =
		info.ClusterAlias || info.ClusterName;
	section.querySelector(".facts").textContent = facts(info);
	const pre = section.querySelector("pre");
	try {
		const reply = await get("topology", info.ClusterName);
		showTree(pre, String(reply.Details ?? ""));
	} catch (error) {
		pre.textContent = `No tree: ${error.message}`;
	}
}

function arrange(infos) {
	const old = new Map();
	for (const section of list.querySelectorAll("section"))
		old.set(section.dataset.name, section);
	const sections = infos.map((info) =>
		old.get(info.ClusterName) ?? card(info));
	if (sections.length > 0) {
		list.replaceChildren(...sections);
		return sections;
	}
	const empty = document.createElement("p");
	empty.className = "empty";
	empty.textContent = "No cluster is known yet. " +
		"orchestrator-client -c discover -i HOST:PORT makes one known.";
	list.replaceChildren(empty);
	return sections;
}

async function refresh() {
	const infos = await get("clusters-info");
	infos.sort((a, b) =>
		a.ClusterAlias.localeCompare(b.ClusterAlias) ||
		a.ClusterName.localeCompare(b.ClusterName));
	const sections = arrange(infos);
	for (let i = 0; i < infos.length; i += AT_ONCE)
		await Promise.all(infos.slice(i, i + AT_ONCE).map(
			(info, j) => fill(sections[i + j], info)));
	const servers = infos.reduce((n, info) => n + info.CountInstances, 0);
	say(`${infos.length} clusters, ${servers} servers, ` +
		new Date().toLocaleTimeString());
}

async function loop() {
	if (!document.hidden) {
		try {
			await refresh();
		} catch (error) {
			say(`No answer: ${error.message}`, true);
		}
	}
	setTimeout(loop, EVERY_MS);
}

loop();
