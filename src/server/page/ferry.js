"use strict";

/* The page of a hub: one topic over WebSocket, resumed by id after a break. */

const $ = (id) => document.getElementById(id);
const SHOWN_MAX = 1000;
const HISTORY = "1h";

const place = new URLSearchParams(location.hash.slice(1));
let topic = place.get("topic") || "lobby";
let name = place.get("name") || "";
let socket = null;
let lastId = null;
let wait = 250;
let timer = null;
let attempt = 0;
const unsent = [];

/* A token stays in this tab, and ends with it. */
let token = sessionStorage.getItem("token") || "";

function state(text, bad = false) {
	$("state").textContent = text;
	$("state").className = bad ? "bad" : "";
}

function show(who, when, text, kind = "") {
	const list = $("messages");
	const follow = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
	const item = document.createElement("article");
	item.className = kind;
	if (who) {
		const head = document.createElement("header");
		const from = document.createElement("b");
		from.textContent = who;
		head.append(from, " ", when.toLocaleTimeString());
		item.append(head);
	}
	const body = document.createElement("p");
	body.textContent = text;
	item.append(body);
	list.append(item);
	while (list.childElementCount > SHOWN_MAX)
		list.firstElementChild.remove();
	if (follow)
		item.scrollIntoView({ block: "end" });
}

function received(message) {
	if ("skipped" in message) {
		const count = message.skipped ?? "some";
		show("", null, `${count} messages are missing here`, "notice");
		return;
	}
	lastId = message.id;
	const bytes = message.base64 ? atob(message.base64).length : 0;
	const text = "text" in message ? message.text : `${bytes} bytes that are no text`;
	show(message.from, new Date(message.time), text);
}

function authorization() {
	return token ? { Authorization: `Bearer ${token}` } : {};
}

function askForToken(why) {
	sessionStorage.removeItem("token");
	token = "";
	state("not let in", true);
	$("entry-why").textContent = why;
	$("entry").hidden = false;
	$("token").focus();
}

/* Nothing says why a WebSocket was refused: the same is asked for in a way that does. False when it
 * makes no sense to try. */
async function isLetIn() {
	const answer = await fetch(`/topics/${encodeURIComponent(topic)}`, {
		method: "HEAD",
		headers: authorization(),
	});
	if (answer.status === 401)
		askForToken(token ? "This token is none of the hub's." : "This hub wants a token.");
	else if (answer.status === 403)
		askForToken("This client may not read here.");
	else if (answer.status === 429)
		throw new Error("too many wrong tokens");
	else
		return true;
	return false;
}

function tryAgain() {
	state("not connected; trying again", true);
	timer = setTimeout(connect, wait * (0.5 + Math.random()));
	wait = Math.min(wait * 2, 10000);
}

async function connect() {
	clearTimeout(timer);
	state("connecting");
	const own = ++attempt;
	const letIn = await isLetIn().catch(() => null);
	if (own !== attempt)
		return;
	if (letIn)
		openSocket();
	else if (letIn === null)
		tryAgain();
}

function openSocket() {
	const url = new URL(`/topics/${encodeURIComponent(topic)}`, location.href);
	url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
	url.searchParams.set("format", "json");
	url.searchParams.set("since", lastId === null ? HISTORY : lastId);
	if (name)
		url.searchParams.set("name", name);
	/* The hub takes the first protocol; the second one is how a page can show a token. */
	const shown = token ? ["ferry", `ferry.token.${encodeURIComponent(token)}`] : [];
	const own = new WebSocket(url, shown);
	socket = own;
	own.onopen = () => {
		wait = 250;
		state("connected");
		while (unsent.length)
			own.send(unsent.shift());
	};
	own.onmessage = (event) => received(JSON.parse(event.data));
	own.onclose = (event) => {
		if (socket !== own)
			return;
		if (event.code === 1008)
			show("", null, event.reason, "notice");
		tryAgain();
	};
}

function go(event) {
	event.preventDefault();
	topic = $("topic").value;
	name = $("name").value;
	location.hash = new URLSearchParams(name ? { topic, name } : { topic });
	$("messages").replaceChildren();
	lastId = null;
	const old = socket;
	socket = null;
	old?.close();
	connect();
	$("text").focus();
}

function say(event) {
	event.preventDefault();
	const text = $("text").value;
	if (!text)
		return;
	if (socket?.readyState === WebSocket.OPEN)
		socket.send(text);
	else
		unsent.push(text);
	show(name || "you", new Date(), text, "own");
	$("text").value = "";
}

function enter(event) {
	event.preventDefault();
	token = $("token").value.trim();
	sessionStorage.setItem("token", token);
	$("token").value = "";
	$("entry").hidden = true;
	connect();
	$("text").focus();
}

async function offerTopics() {
	const answer = await fetch("/topics/", { headers: authorization() });
	const topics = answer.ok ? await answer.json() : [];
	$("topics").replaceChildren(...topics.map((each) => new Option(each.name)));
}

$("topic").value = topic;
$("name").value = name;
$("place").onsubmit = go;
$("say").onsubmit = say;
$("entry").onsubmit = enter;
$("text").onkeydown = (event) => {
	if (event.key === "Enter" && !event.shiftKey && !event.isComposing)
		say(event);
};
$("topic").onfocus = offerTopics;
connect();
