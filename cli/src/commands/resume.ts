import { pausing } from "../deploy/pausing.ts"

export default pausing({
  summary: "Resume a paused service",
  examples: [{ line: "maxcloud resume web", does: "Serve requests again" }],
  notes: ["A revision that was deployed in the meantime starts now. Safe to repeat."],
  act: "resume",
  says: (name) => `${name} is resumed: \`maxcloud describe ${name}\` shows its state`
})
