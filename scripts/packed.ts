/** Installs the packed packages in a folder outside the workspace, and uses them there like an app's author. */
import { checkAuthoring } from "./packed/authoring.ts"
import { checkContents } from "./packed/contents.ts"
import { makeForeignFolder } from "./packed/ForeignFolder.ts"
import { checkFlags } from "./packed/flags.ts"
import { checkGuide } from "./packed/guide.ts"
import { checkImports } from "./packed/imports.ts"
import { checkKubernetes } from "./packed/kubernetes.ts"
import { checkDeployment, checkEmbedded, checkPnpm } from "./packed/running.ts"
import { checkTypes } from "./packed/types.ts"

const folder = makeForeignFolder()
const { check, maxcloud, pack, run, tarballs, write } = folder

/** `npm run test:packed -- guide` runs the guide alone. */
const [only] = process.argv.slice(2)

const checkPackages = async () => {
  checkContents(folder)

  write("package.json", JSON.stringify({ name: "shop", private: true, type: "module" }))
  // Some package managers don't run dependencies' install scripts by default.
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "-D"]
  const installed = run("npm", ["install", ...flags, ...tarballs(), "typescript@5", "@types/node@24"])
  check("npm installs the tarballs", installed.status === 0, installed.output)

  const version = maxcloud(["--version"])
  check("--version", version.status === 0 && /^\d+\.\d+\.\d+\n$/.test(version.stdout), version.output)
  const help = run("npx", ["--no-install", "maxcloud", "--help"])
  check("npx maxcloud --help", help.status === 0 && help.output.includes("deploy"), help.output)

  checkAuthoring(folder)
  checkTypes(folder)
  checkImports(folder)
  checkKubernetes(folder)
  await checkDeployment(folder)
  await checkFlags(folder)
  checkEmbedded(folder)
  checkPnpm(folder)
}

try {
  for (const name of ["config-schema", "synth", "sdk", "server", "cli"]) {
    const packed = pack(name)
    check(`${name} is packed`, packed.status === 0, packed.output)
  }
  if (only !== "guide") await checkPackages()
  await checkGuide(folder)
} catch (error) {
  check("the checks complete", false, error instanceof Error ? (error.stack ?? error.message) : String(error))
}
process.exit(folder.finish())
