export { ConfigModule } from './config.module';
export { headersOf } from './header.list';
export { markdownTable } from './markdown-table';
export { Settings } from './settings';
export { readSettings, SettingsError } from './settings.reader';
export { settingsReference } from './settings.reference';
export type { TraceSampler } from './trace.sampler';
