// Manages a preview for each branch: `node preview.ts deploy BRANCH`, `remove BRANCH`, and `prune` for deleted branches.
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { createClient, loadConfig, renderProgress } from "@maxcloud/sdk"

const prefix = "preview-"

/** A stage's name is short and lower-case. The digest distinguishes `fix/a` from `fix-a`. */
const stageOf = (branch: string) => {
  const words = branch
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 12)
    .replace(/^-+|-+$/g, "")
  const digest = createHash("sha256").update(branch).digest("hex").slice(0, 6)
  return `${prefix}${words === "" ? "" : `${words}-`}${digest}`
}

const client = createClient()

/** Prints a text, and posts it as a comment on the pull request that started the job. */
const tell = async (text: string) => {
  const { GITHUB_API_URL: api, GITHUB_REPOSITORY: repository, GITHUB_TOKEN: token, PULL_REQUEST: number } = process.env
  console.log(text)
  if (api === undefined || token === undefined || number === undefined) return
  const answer = await fetch(`${api}/repos/${repository}/issues/${number}/comments`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json" },
    body: JSON.stringify({ body: text })
  })
  if (!answer.ok) throw new Error(`Couldn't post the comment: ${answer.status} ${await answer.text()}`)
}

const deploy = async (branch: string) => {
  const stage = stageOf(branch)
  const lines = renderProgress()
  const deployment = await client.deploy(await loadConfig({ stage }), {
    metadata: { branch },
    onProgress: (progress) => {
      for (const line of lines(progress)) console.error(line)
    }
  })
  const urls = deployment.services.flatMap(({ name, url }) => (url === null ? [] : [`${name}: ${url}`]))
  await tell(`Preview of ${branch}\n${urls.join("\n")}`)
}

const removeStage = async (app: string, stage: string) => {
  await client.apps.destroyAndWait(app, { stage })
  console.log(`removed ${stage}`)
}

/** Removes this app's previews of branches that `origin` no longer has. */
const prune = async () => {
  const { spec } = await loadConfig()
  const branches = execFileSync("git", ["ls-remote", "--heads", "origin"], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => line.split("refs/heads/")[1] ?? [])
  const wanted = new Set(branches.map(stageOf))
  for (const { app, stage } of await client.apps.list()) {
    if (app === spec.app && stage.startsWith(prefix) && !wanted.has(stage)) await removeStage(app, stage)
  }
}

const [verb, branch = ""] = process.argv.slice(2)
if (verb === "deploy" && branch !== "") await deploy(branch)
else if (verb === "remove" && branch !== "") await removeStage((await loadConfig()).spec.app, stageOf(branch))
else if (verb === "prune") await prune()
else {
  console.error("usage: node preview.ts deploy BRANCH | remove BRANCH | prune")
  process.exitCode = 2
}
await client.close()
