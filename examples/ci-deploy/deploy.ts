// Runs `maxcloud deploy`, shows the progress in the job's log, and writes a table into its summary.
import { spawn } from "node:child_process"
import { appendFileSync } from "node:fs"
import { createInterface } from "node:readline"

const [program = "npx", ...before] = (process.env["MAXCLOUD"] ?? "npx maxcloud").split(" ")
const child = spawn(program, [...before, "deploy", "--json", "--wait-timeout", "10m", ...process.argv.slice(2)], {
  stdio: ["ignore", "pipe", "inherit"]
})
const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)))

const summary: Array<string> = []
for await (const line of createInterface({ input: child.stdout })) {
  const { deployment, error, event, files, outputs } = JSON.parse(line)
  if (error !== undefined) {
    console.error(`${error.code}: ${error.detail}`)
    summary.push(`**${error.code}**: ${error.detail}`)
  } else if (files !== undefined) console.log(`uploading ${files} files`)
  else if (event !== undefined) console.log([event.service, event.reason, event.message].filter(Boolean).join(": "))
  else if (deployment !== undefined) {
    summary.push(`Deployment ${deployment.number} of ${deployment.app} (${deployment.stage})`, "")
    summary.push("| service | state | URL |", "|---|---|---|")
    for (const { name, state, url } of deployment.services) summary.push(`| ${name} | ${state} | ${url ?? ""} |`)
    for (const [name, value] of Object.entries(outputs ?? {})) summary.push("", `${name}: ${value}`)
  }
}

// GitLab has no summary, so print the table in the log.
const file = process.env["GITHUB_STEP_SUMMARY"]
if (file === undefined) console.log(summary.join("\n"))
else appendFileSync(file, `${summary.join("\n")}\n`)

// 7: it failed. 8: it's still running. 11: a newer deployment superseded it, which is fine if the branch has new commits.
const code = await ended
process.exitCode = code === 11 ? 0 : code
