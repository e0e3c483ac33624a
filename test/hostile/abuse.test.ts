import { quickAttacks, testAttacks } from './attack.cases';

testAttacks(quickAttacks);
