import { pausing } from "../pausing.ts"

export default pausing({
  summary: "Stop a service without deleting it",
  examples: [
    { line: "maxcloud pause web", does: "its instances end, requests are answered 503" },
    { line: "maxcloud pause web --stage preview-42", does: "that of another stage" }
  ],
  notes: [
    "It stays paused across deployments, until `maxcloud resume`. Its revisions, URL and secrets are kept.",
    "When the command returns, requests get a 503 page with Retry-After. Those that are under way may finish. Safe to repeat."
  ],
  act: "pause",
  says: (name) => `${name} is paused: \`maxcloud resume ${name}\` ends that`
})
