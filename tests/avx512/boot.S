/* From where a multiboot loader leaves off, in 32 bits, to main() in 64, with every vector register there is. */
.set CR4_BITS, 1 << 5 | 1 << 9 | 1 << 10 | 1 << 18 /* PAE, OSFXSR, OSXMMEXCPT, OSXSAVE */
.set STATE, 0xe7                                  /* of x87, SSE, AVX and AVX-512 */

.section .multiboot, "a"
.align 4
.long 0x1badb002, 0, -0x1badb002

.section .text.start, "ax"
.code32
.globl start
start:
    cli
    movl $stack_end, %esp
    movl $pages + 0x1000 + 3, pages
    movl $pages + 0x2000 + 3, pages + 0x1000
    movl $0x83, %eax /* 2 MiB each: the first GiB stands where it is */
    movl $pages + 0x2000, %edi
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    cmpl $pages + 0x3000, %edi
    jne 1b
    movl %cr4, %eax
    orl $CR4_BITS, %eax
    movl %eax, %cr4
    movl $pages, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl $0x80000033, %eax /* paging, protection, and no emulation of the coprocessor */
    movl %eax, %cr0
    lgdt table
    ljmp $8, $in_long_mode

.code64
in_long_mode:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $stack_end, %esp
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $STATE, %eax
    xsetbv
    call main
    leaq last_word(%rip), %rsi /* the emulator ends */
    movw $0x8900, %dx
    movl $8, %ecx
    rep outsb
2:  hlt
    jmp 2b

.section .rodata
last_word: .ascii "Shutdown"
.align 8
descriptors: .quad 0, 0x00209a0000000000
table: .word 15
    .long descriptors

.section .bss
.align 4096
pages: .skip 0x3000
.skip 1 << 16
stack_end:

.section .note.GNU-stack, "", @progbits
