((w, d) => {
  const me = d.currentScript, host = new URL(me.src).origin, early = w.nurture || [];
  let queue = [], id = (d.cookie.match(/(?:^|; )nurture_id=([\w-]+)/) || [])[1];

  const name = () => Date.now() + "-" + Math.random().toString(36).slice(2);

  const send = (call) => {
    Object.assign(call, { anonymousId: call.anonymousId || id, writeKey: me.dataset.key, sentAt: new Date() });
    fetch(`${host}/v1/${call.type}`, { method: "POST", body: JSON.stringify(call), keepalive: true, credentials: "omit" })
      .then((r) => { if (r.status > 428) throw r; })
      .catch(() => call.again++ || setTimeout(send, 5e3, call));
  };

  const tell = (call, consent) => {
    const context = consent ? { consent } : {
      page: { url: location.href, title: d.title, referrer: d.referrer },
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone
    };
    Object.assign(call, { context, messageId: name(), timestamp: new Date(), again: 0 });
    id ? send(call) : queue.push(call);
  };

  const api = w.nurture = {
    consent(yes, wording) {
      const news = !yes === !!id;
      id = id || name();
      d.cookie = `nurture_id=${id};path=/;max-age=${yes ? 31536e3 : 0};SameSite=Lax${location.protocol === "https:" ? ";Secure" : ""}`;
      if (news) tell({ type: "identify" }, { categoryPreferences: { tracking: !!yes }, wording });
      if (yes) queue.forEach(send);
      else id = "";
      queue = [];
    },
    page: (properties) => tell({ type: "page", properties }),
    track: (event, properties) => tell({ type: "track", event, properties }),
    identify: (traits) => tell({ type: "identify", traits }),
    push: ([verb, ...rest]) => api[verb](...rest)
  };

  d.addEventListener("submit", ({ target }) => {
    if (id && target.action.startsWith(host + "/forms/"))
      target.append(Object.assign(d.createElement("input"), { type: "hidden", name: "anonymous_id", value: id }));
  }, true);

  early.forEach(api.push);
  api.page();
})(window, document);
