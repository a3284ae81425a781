import { firstFile, isFile, isFolder, readText } from "../files.ts"
import type { Start } from "../model.ts"
import { developmentToolOf } from "./developmentTools.ts"
import { dependsOn, type PackageJson } from "./packageJson.ts"

/** How to run a built project. Paths are relative to the project's folder. */
export interface Shape {
  readonly start: Start
  readonly environment?: Readonly<Record<string, string>>
  /** The files that are needed to run it; everything else is removed. @default everything */
  readonly keep?: ReadonlyArray<string>
  /** Folders to move before the rest is removed: from, to. */
  readonly move?: ReadonlyArray<readonly [string, string]>
  /** The folder to start it in. @default the project's own */
  readonly folder?: string
}

/** A folder of files to serve. */
export interface Site {
  readonly site: string
}

interface Framework {
  readonly name: string
  /** The dependency that identifies it. */
  readonly dependency: string
  /** Whether the build's output is a site. Other files that look like a program are for browsers or for the build. */
  readonly isBundler?: true
  /** The build's result; undefined if the start script runs it. A text reports a missing part. */
  readonly shape?: (folder: string) => Promise<Shape | Site | string | undefined>
}

const node = (file: string): Start => ({ file: "node", args: [file] })

const nextOutput = async (folder: string): Promise<string | undefined> => {
  const text = await readText(folder, ".next/required-server-files.json")
  return text === undefined ? undefined : /"output":\s*"(standalone|export)"/.exec(text)?.[1]
}

/** The most specific first: a SvelteKit project also has Vite, a Nest project also has Express. */
const frameworks: ReadonlyArray<Framework> = [
  {
    name: "Next.js",
    dependency: "next",
    shape: async (folder) => {
      if ((await nextOutput(folder)) === "export" && (await isFile(folder, "out/index.html"))) return { site: "out" }
      if (await isFile(folder, ".next/standalone/server.js"))
        return {
          start: node("server.js"),
          folder: ".next/standalone",
          // Next's documentation says to copy both, because its own server lacks them otherwise.
          move: [
            [".next/static", ".next/standalone/.next/static"],
            ["public", ".next/standalone/public"]
          ],
          keep: [".next/standalone"],
          environment: { HOSTNAME: "0.0.0.0" }
        }
      return undefined
    }
  },
  {
    name: "Nuxt",
    dependency: "nuxt",
    shape: async (folder) => {
      if (await isFile(folder, ".output/server/index.mjs"))
        return { start: node(".output/server/index.mjs"), keep: [".output"] }
      return (await isFile(folder, ".output/public/index.html")) ? { site: ".output/public" } : undefined
    }
  },
  {
    name: "SvelteKit",
    dependency: "@sveltejs/kit",
    shape: async (folder) => {
      if (await isFile(folder, "build/handler.js"))
        return {
          start: node("build/index.js"),
          // Otherwise, a posted form would look cross-site behind the proxy.
          environment: { PROTOCOL_HEADER: "x-forwarded-proto", HOST_HEADER: "x-forwarded-host" },
          keep: ["build", "node_modules", "package.json"]
        }
      if (await isFile(folder, "build/index.html")) return { site: "build" }
      const written = ["svelte.config.js", "svelte.config.ts", "vite.config.ts", "vite.config.js"]
      // `sv create` puts the adapter into vite.config.ts now, and made a svelte.config.js before.
      const file = (await firstFile(folder, written)) ?? "vite.config.ts"
      return `SvelteKit produced neither a server nor a site. Use @sveltejs/adapter-node (or adapter-static) instead of the project's adapter in ${file}: install it, and import it there.`
    }
  },
  {
    name: "Astro",
    dependency: "astro",
    shape: async (folder) => {
      if (await isFile(folder, "dist/server/entry.mjs"))
        return {
          start: node("dist/server/entry.mjs"),
          environment: { HOST: "0.0.0.0" },
          keep: ["dist", "node_modules", "package.json"]
        }
      return (await isFolder(folder, "dist")) ? { site: "dist" } : undefined
    }
  },
  {
    name: "React Router",
    dependency: "@react-router/dev",
    shape: async (folder) => spa(folder, "build/client", "build/server")
  },
  { name: "Remix", dependency: "@remix-run/dev", shape: async (folder) => spa(folder, "build/client", "build/server") },
  {
    name: "NestJS",
    dependency: "@nestjs/core",
    shape: async (folder) => {
      const main = await firstFile(folder, ["dist/main.js", "dist/src/main.js", "dist/main.mjs", "dist/main"])
      return main === undefined ? undefined : { start: node(main) }
    }
  },
  {
    name: "Angular",
    dependency: "@angular/core",
    shape: async (folder) => {
      const { outputs } = await angularOutputs(folder)
      const server = await firstFile(
        folder,
        outputs.map((output) => `${output}/server/server.mjs`)
      )
      if (server !== undefined) return { start: node(server) }
      const page = await firstFile(
        folder,
        outputs.flatMap((output) => [`${output}/browser/index.html`, `${output}/index.html`])
      )
      return page === undefined ? undefined : { site: page.slice(0, -"/index.html".length) }
    }
  },
  { name: "Fastify", dependency: "fastify" },
  { name: "Hono", dependency: "hono" },
  { name: "Express", dependency: "express" },
  { name: "Docusaurus", dependency: "@docusaurus/core", isBundler: true },
  { name: "VitePress", dependency: "vitepress", isBundler: true },
  { name: "VuePress", dependency: "vuepress", isBundler: true },
  { name: "Eleventy", dependency: "@11ty/eleventy", isBundler: true },
  { name: "Gatsby", dependency: "gatsby", isBundler: true },
  { name: "Create React App", dependency: "react-scripts", isBundler: true },
  { name: "Vue CLI", dependency: "@vue/cli-service", isBundler: true },
  { name: "Vite", dependency: "vite", isBundler: true }
]

/** With server rendering turned off, only the client remains. */
const spa = async (folder: string, client: string, server: string): Promise<Site | undefined> =>
  !(await isFolder(folder, server)) && (await isFile(folder, `${client}/index.html`)) ? { site: client } : undefined

const angularOutputs = async (folder: string): Promise<{ readonly outputs: ReadonlyArray<string> }> => {
  const text = (await readText(folder, "angular.json")) ?? ""
  const projects = [...text.matchAll(/"outputPath":\s*"([\w./-]+)"/g)].map((match) => match[1] ?? "dist")
  const named = [...text.matchAll(/^ {4}"([\w.-]+)":/gm)].map((match) => `dist/${match[1]}`)
  return { outputs: [...projects, ...named].filter((text) => !text.split("/").includes("..")) }
}

export const frameworkOf = (packageJson: PackageJson): Framework | undefined =>
  frameworks.find(({ dependency }) => dependsOn(packageJson, dependency))

/** The program of a script and its first argument that isn't an option, without assignments and wrappers. */
const wordsOf = (script: string): readonly [string, string] => {
  const words = script.trim().split(/\s+/)
  const at = words.findIndex((word) => !/^\w+=/.test(word) && !/^(?:cross-env|npx|pnpx|bunx|-y|--yes)$/.test(word))
  const second = words[at + 1] ?? ""
  return [words[at] ?? "", second.startsWith("-") ? "" : second]
}

export const isForDevelopment = (start: Start | undefined): boolean => {
  if (start === undefined || !("script" in start)) return false
  const [written, second] = wordsOf(start.script)
  // npx accepts a version: `@11ty/eleventy@3`.
  const version = written.lastIndexOf("@")
  const program = version > 0 && version > written.lastIndexOf("/") ? written.slice(0, version) : written
  const { otherWords = [], words } = developmentToolOf(program) ?? { words: [] }
  return words === undefined || [...words, ...otherWords].includes(second)
}

/** `next start` doesn't run a build of `output: "standalone"` or `"export"`. */
export const isNextStart = (start: Start | undefined): boolean =>
  start !== undefined && "script" in start && wordsOf(start.script).join(" ") === "next start"
