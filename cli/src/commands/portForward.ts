import { Effect } from "effect"
import { required, serviceFlags, text } from "../args/flags.ts"
import { connectToService } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { forwardTo, listenOn, parsePorts } from "../forward/forward.ts"

export default command({
  summary: "Connect a local port to a port of an instance",
  examples: [
    { line: "maxcloud port-forward db 5432", does: "Make port 5432 of an instance reachable on this machine" },
    { line: "maxcloud port-forward web 8080:80", does: "With another local port" },
    { line: "maxcloud port-forward web 0:9229", does: "With a free local port, which it prints" }
  ],
  notes: [
    "Every TCP connection goes to an instance through the server, with your credential: only this machine can use it, unless --address says otherwise. It runs until you stop it.",
    "On Kubernetes, any port of the program can be reached, also one that listens on localhost only. On the local runtime: the service's own port, and those that its image exposes. If no instance runs, the local runtime starts one; on Kubernetes, send the service a request first.",
    "If an instance ends, its connections break, and the next one goes to another instance. With --instance the command exits with 5 instead.",
    "You need the role deployer. The audit log records each connection, with its duration and bytes. A connection ends after 30 idle minutes. An organization can have 100 at once."
  ],
  flags: flags({
    ...serviceFlags,
    instance: text("instance", "NAME", { description: "Connect to this instance, as in the logs [any]" }),
    address: text("address", "ADDRESS", { description: "Listen on this address of this machine [127.0.0.1]" })
  }),
  positionals: positionals({
    name: required("NAME", "The service"),
    ports: required("[LOCAL:]PORT", "The instance's port, and the local one if it differs (0: any free one)")
  }),
  exitOnInterrupt: 0,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const ports = yield* parsePorts(input.ports)
      const { at, cloud, name } = yield* connectToService(input)
      const open = cloud.services.openPort(name, ports.remote, { ...at, instance: input.instance })
      // Report a missing right, service, instance or port now, not at the first connection.
      const { instance } = yield* Effect.scoped(open)
      const address = input.address ?? "127.0.0.1"
      const { connections, port } = yield* listenOn(address, ports, name)
      const here = `${address.includes(":") ? `[${address}]` : address}:${port}`
      if (terminal.json) terminal.printJson({ address, port, service: name, target: ports.remote, instance })
      else {
        terminal.print(here)
        terminal.say(`connections to ${here} go to port ${ports.remote} of ${name}. Stop with Ctrl-C`)
      }
      yield* forwardTo(open, connections, (line) => terminal.say(line))
    }).pipe(Effect.scoped)
})
