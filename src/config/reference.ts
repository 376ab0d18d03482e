// The reference of all settings, from their definitions.
import type { ListenAddress } from './listen-address.ts'
import { keyOf, type Section, variableOf } from './section.ts'
import type { Setting, Settings } from './setting.ts'

/** docs/reference/settings.md. */
export function settingsReference(sections: readonly Section[]): string {
  const parts = sections.map((one) => {
    const title = one.name === '' ? '## Above all tables' : `## [${one.name}]`
    const entries = entriesOf(one.settings, one.name, true)
    return [title, '', one.doc, '', ...entries].join('\n')
  })
  return `${[preface, ...parts].join('\n\n').trimEnd()}\n`
}

const preface = `# Settings

<!-- Generated from the definitions by \`tools/reference.ts\`. -->

Settings are read from \`verona.toml\` in the working directory, or the file that \`--config\` names. Each can also be given, and
overridden, by an environment variable. A listener that is left out is off; only when there is no configuration file at
all do listeners take the *built-in* address. A relative path starts at the directory of the file that names it.`

function entriesOf(settings: Settings, section: string, variables: boolean): string[] {
  return Object.entries(settings).flatMap(([property, setting]) => {
    const facts = [setting.type, defaultOf(setting)]
    if (variables && setting.inner === undefined) facts.push(`\`${variableOf(section, property)}\``)
    const name = setting.inner === undefined ? keyOf(property) : `[[${keyOf(property)}]]`
    const inner =
      setting.inner === undefined
        ? []
        : entriesOf(setting.inner, '', false).map((line) => `  ${line}`.trimEnd())
    return [
      `- **\`${name}\`** (${facts.filter((fact) => fact !== '').join('; ')})  `,
      `  ${setting.doc}`,
      ...inner,
    ]
  })
}

function defaultOf(setting: Setting<unknown>): string {
  if (setting.listens) {
    const [builtIn] = [setting.builtIn as ListenAddress | readonly ListenAddress[] | undefined].flat()
    return builtIn === undefined ? 'off' : `off, built-in \`${builtIn.host ?? '*'}:${builtIn.port}\``
  }
  return setting.defaultText === '' || setting.inner !== undefined ? '' : `default \`${setting.defaultText}\``
}
