/** A development server. */
export interface DevelopmentTool {
  /** Its subcommands for a development server; `""` means none, undefined means any. */
  readonly words?: ReadonlyArray<string>
  /** Further subcommands that start a server, though not for production: a preview, for example. */
  readonly otherWords?: ReadonlyArray<string>
  /** How `maxcloud dev` starts it; undefined means like any other program. */
  readonly dev?: DevelopmentServer
}

export interface DevelopmentServer {
  /** Arguments that make it listen on the port, written as `{port}`; undefined if it reads PORT. */
  readonly port?: ReadonlyArray<string>
  /** Whether it reads `.env` files in its folder by itself. */
  readonly readsEnvFiles?: boolean
  readonly environment?: Readonly<Record<string, string>>
}

const port = ["--port", "{port}"]
const takesPort: DevelopmentServer = { port }
const readsEnv: DevelopmentServer = { port, readsEnvFiles: true }
const vite: DevelopmentTool = {
  words: ["", "dev", "serve"],
  otherWords: ["preview"],
  dev: { port: [...port, "--strictPort"], readsEnvFiles: true }
}
const nuxt: DevelopmentTool = { words: ["dev"], otherWords: ["preview"], dev: readsEnv }

/**
 * Development servers, by program name. They either don't serve the build's output, or are removed with the development packages, so a script that
 * uses one isn't a start script for production. `maxcloud dev` can set the port of some of them.
 */
const tools: Readonly<Record<string, DevelopmentTool>> = {
  vite,
  "rolldown-vite": vite,
  next: { words: ["dev"], otherWords: [""], dev: readsEnv },
  nuxt,
  nuxi: nuxt,
  astro: { words: ["", "dev"], otherWords: ["preview"], dev: readsEnv },
  "react-router": { words: ["dev"], dev: readsEnv },
  remix: { words: ["vite:dev"], otherWords: ["dev"], dev: readsEnv },
  vinxi: { words: ["dev"], dev: readsEnv },
  ng: { words: ["serve"], dev: takesPort },
  "vue-cli-service": { words: ["serve"], dev: readsEnv },
  parcel: { words: ["", "serve"], dev: takesPort },
  webpack: { words: ["serve"], dev: takesPort },
  "webpack-dev-server": { words: ["", "serve"], dev: takesPort },
  rsbuild: { words: ["dev"], otherWords: ["", "preview"], dev: readsEnv },
  gatsby: { words: ["develop"], dev: takesPort },
  docusaurus: { words: ["start"], otherWords: ["serve"], dev: { port: [...port, "--no-open"] } },
  eleventy: { dev: takesPort },
  "@11ty/eleventy": {},
  wrangler: { words: ["dev"], dev: takesPort },
  "react-scripts": { words: ["start"], dev: { readsEnvFiles: true, environment: { BROWSER: "none" } } },
  craco: { words: ["start"] },
  "react-app-rewired": { words: ["start"] },
  vitepress: { words: ["", "dev", "serve", "preview"] },
  vuepress: { words: ["", "dev"] },
  hexo: { words: ["s", "server"] },
  nx: { words: ["serve", "dev"] },
  rspack: { words: ["serve", "dev"] },
  ember: { words: ["s", "serve", "server"] },
  quasar: { words: ["dev"] },
  netlify: { words: ["dev"] },
  vercel: { words: ["dev"] },
  "live-server": {},
  nest: { words: ["start"] },
  tsx: { words: ["watch"] },
  nodemon: {},
  "ts-node-dev": {}
}

export const developmentToolOf = (program: string): DevelopmentTool | undefined =>
  Object.hasOwn(tools, program) ? tools[program] : undefined
