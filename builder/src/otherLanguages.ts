import { namesIn } from "./files.ts"
import { procfileOf } from "./procfile.ts"

interface Language {
  readonly name: string
  /** The complete name of the file that identifies it. */
  readonly file: RegExp
  /** The config's fields to build and start such a project on a machine with its tools. */
  readonly fields: string
}

const languages: ReadonlyArray<Language> = [
  {
    name: "Rust",
    file: /^Cargo\.toml$/,
    fields: '`build: "cargo build --release"` and `command: ["target/release/NAME"]`'
  },
  {
    name: "Java",
    file: /^pom\.xml$/,
    fields: '`build: "mvn -q package"` and `command: ["java", "-jar", "target/NAME.jar"]`'
  },
  {
    name: "Java",
    file: /^(?:build|settings)\.gradle(?:\.kts)?$/,
    fields: '`build: "./gradlew assemble"` and `command: ["java", "-jar", "build/libs/NAME.jar"]`'
  },
  {
    name: "PHP",
    file: /^(?:composer\.json|index\.php)$/,
    fields: '`build: "composer install --no-dev"` and `command: ["php", "-S", "0.0.0.0:$(PORT)", "-t", "public"]`'
  },
  {
    name: "Ruby",
    file: /^(?:Gemfile|config\.ru)$/,
    fields: '`build: "bundle install"` and `command: ["bundle", "exec", "puma", "-p", "$(PORT)"]`'
  },
  {
    name: "Elixir",
    file: /^mix\.exs$/,
    fields: '`build: "mix deps.get && mix release"` and `command: ["_build/prod/rel/NAME/bin/NAME", "start"]`'
  },
  {
    name: ".NET",
    file: /\.(?:csproj|fsproj|sln|slnx)$/,
    fields: '`build: "dotnet publish -o out"` and `command: ["dotnet", "out/NAME.dll"]`'
  },
  {
    name: "Scala",
    file: /^build\.sbt$/,
    fields: '`build: "sbt stage"` and `command: ["target/universal/stage/bin/NAME"]`'
  },
  {
    name: "Swift",
    file: /^Package\.swift$/,
    fields: '`build: "swift build -c release"` and `command: [".build/release/NAME"]`'
  },
  {
    name: "Dart",
    file: /^pubspec\.yaml$/,
    fields: '`build: "dart compile exe bin/server.dart -o server"` and `command: ["./server"]`'
  },
  {
    name: "Clojure",
    file: /^(?:project\.clj|deps\.edn)$/,
    fields: '`build` and `command: ["java", "-jar", "target/NAME.jar"]`'
  },
  {
    name: "Haskell",
    file: /^(?:stack\.yaml|cabal\.project|[\w-]+\.cabal)$/,
    fields: '`build: "stack install --local-bin-path ."` and `command: ["./NAME"]`'
  },
  {
    name: "Crystal",
    file: /^shard\.yml$/,
    fields: '`build: "shards build --release"` and `command: ["bin/NAME"]`'
  },
  { name: "Gleam", file: /^gleam\.toml$/, fields: '`build: "gleam build"` and `command: ["gleam", "run"]`' },
  { name: "Zig", file: /^build\.zig$/, fields: '`build: "zig build"` and `command: ["zig-out/bin/NAME"]`' }
]

/** The fix for a project in a language that isn't built from source; undefined if it isn't one. */
export const otherLanguage = async (folder: string): Promise<string | undefined> => {
  const names = (await namesIn(folder)).toSorted()
  for (const { fields, file, name } of languages) {
    const found = names.find((name) => file.test(name))
    if (found === undefined) continue
    const procfile = await procfileOf(folder)
    const written =
      procfile === undefined
        ? fields
        : fields.replace(/`command: \[.*\]`/, () => `\`command: ${JSON.stringify(["sh", "-c", procfile])}\``)
    return `${name} (${found}) can't be built from source automatically. Add a Dockerfile; or, if this machine has the tools, set ${written} in the config; or use \`image\` instead of \`source\`.`
  }
  return undefined
}
