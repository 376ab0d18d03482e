// A test with real programs: those it starts end with it, and when it fails, all they said is told.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Program, type ProgramOptions } from './program.ts'
import type { VeronaServer } from './server.ts'

/** LIMIT: characters of each program's output that a failure shows, from its end. */
const shownMax = 8000

export class Scene {
  readonly server: VeronaServer
  readonly #programs: Program[] = []
  readonly #directories: string[] = []
  readonly #serverSaid: number

  constructor(server: VeronaServer) {
    this.server = server
    this.#serverSaid = server.programs.length
  }

  start(name: string, path: string, args: readonly string[], options: ProgramOptions = {}): Program {
    const program = new Program(name, path, args, options)
    this.#programs.push(program)
    return program
  }

  /** An empty directory that goes with the scene. */
  directory(): string {
    const directory = mkdtempSync(join(tmpdir(), 'verona-scene-'))
    this.#directories.push(directory)
    return directory
  }

  async end(): Promise<void> {
    const ours = this.server.programs.slice(this.#serverSaid)
    const left = [...this.#programs, ...ours.filter((program) => !program.name.startsWith('verona serve'))]
    await Promise.all(left.filter((program) => !program.hasEnded).map((program) => program.kill()))
    for (const directory of this.#directories) rmSync(directory, { recursive: true, force: true })
  }

  /** What every program said. */
  report(): string {
    const lives = this.server.programs.filter((program) => program.name === 'verona serve').slice(-1)
    const ours = this.server.programs.slice(this.#serverSaid)
    const programs = new Set([...this.#programs, ...ours, ...lives])
    return [...programs].map((program) => `--- ${program.name}\n${program.said.slice(-shownMax)}`).join('\n')
  }
}

/** A test that runs against `server()`, which is asked for when the test begins. */
export function scene(
  name: string,
  skip: string | false,
  server: () => VeronaServer,
  act: (scene: Scene) => Promise<void>,
): void {
  test(name, { skip }, async () => {
    const stage = new Scene(server())
    try {
      await act(stage)
    } catch (error) {
      const told = new Error(`${(error as Error).message}\n${stage.report()}`, { cause: error })
      told.stack = `${(error as Error).stack ?? ''}\n${stage.report()}`
      throw told
    } finally {
      await stage.end()
    }
  })
}
