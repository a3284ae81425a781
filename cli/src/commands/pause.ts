import { pausing } from "../deploy/pausing.ts"

export default pausing({
  summary: "Stop a service without deleting it",
  examples: [
    { line: "maxcloud pause web", does: "Stop its instances; requests get 503" },
    { line: "maxcloud pause web --stage preview-42", does: "For another stage" }
  ],
  notes: [
    "It stays paused across deployments, until `maxcloud resume`. Its revisions, URL and secrets are kept.",
    "When the command returns, requests get a 503 page with Retry-After. Requests in flight may finish. Safe to repeat."
  ],
  act: "pause",
  says: (name) => `${name} is paused: \`maxcloud resume ${name}\` resumes it`
})
