import { slowAttacks, testAttacks } from './attack.cases';

testAttacks(slowAttacks);
