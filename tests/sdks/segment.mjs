// @segment/analytics-node: HOST KEY
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ host, writeKey, path: "/v1/batch" });
analytics.on("error", (error) => { console.error(error); process.exitCode = 1; });
analytics.identify({ userId: "u1", traits: { email: "Ada@Firm.example", since: new Date("2026-01-02") } });
analytics.track({ userId: "u1", event: "Order Completed", properties: { amount: 3 } });
analytics.page({ anonymousId: "a1", category: "Docs", name: "Node" });
analytics.group({ userId: "u1", groupId: "g1", traits: { name: "Firm" } });
analytics.alias({ userId: "u1", previousId: "old" });
await analytics.closeAndFlush();
