// @rudderstack/rudder-sdk-node: HOST KEY
const Analytics = require("@rudderstack/rudder-sdk-node");

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics(writeKey, { dataPlaneUrl: host, logLevel: "error" });
analytics.identify({ userId: "u1", traits: { email: "Ada@Firm.example" } });
analytics.track({ userId: "u1", event: "Order Completed", properties: { amount: 3 } });
analytics.page({ anonymousId: "a1", category: "Docs", name: "Node" });
analytics.alias({ userId: "u1", previousId: "old" });
analytics.flush().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
