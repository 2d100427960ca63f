/* nurture. Until nurture.consent(true) nothing is sent and nothing is stored. */
((w, d) => {
  const me = d.currentScript, host = new URL(me.src).origin, early = w.nurture || [];
  let waiting = [], id = (d.cookie.match(/(?:^|; )nurture_id=([\w-]+)/) || [])[1];

  const name = () => Date.now() + "-" + Math.random().toString(36).slice(2);

  const keep = (value, age) => {
    const secure = location.protocol === "https:" ? ";Secure" : "";
    d.cookie = `nurture_id=${value};path=/;max-age=${age};SameSite=Lax${secure}`;
    id = value;
  };

  const send = (call) => {
    Object.assign(call, { anonymousId: id, writeKey: me.dataset.key, sentAt: new Date() });
    fetch(`${host}/v1/${call.type}`, { method: "POST", body: JSON.stringify(call), keepalive: true, credentials: "omit" })
      .then((r) => { if (r.status > 428) throw r; })
      .catch(() => call.again++ || setTimeout(send, 5e3, call));
  };

  const tell = (call) => {
    call.again = 0;
    call.messageId = name();
    call.timestamp = new Date();
    call.context = {
      page: { url: location.href, title: d.title, referrer: d.referrer },
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone
    };
    id ? send(call) : waiting.push(call);
  };

  const api = w.nurture = {
    consent(yes) {
      if (yes) keep(id || name(), 31536e3);
      else keep("", 0);
      if (yes) waiting.forEach(send);
      waiting = [];
    },
    page: (properties) => tell({ type: "page", properties }),
    track: (event, properties) => tell({ type: "track", event, properties }),
    identify: (traits) => tell({ type: "identify", traits }),
    push: ([verb, ...rest]) => api[verb](...rest)
  };

  d.addEventListener("submit", ({ target }) => {
    if (!id || !target.action.startsWith(host + "/forms/")) return;
    const field = d.createElement("input");
    Object.assign(field, { type: "hidden", name: "anonymous_id", value: id });
    target.append(field);
  }, true);

  early.forEach(api.push);
  api.page();
})(window, document);
