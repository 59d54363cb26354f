/* One rank of the truth table: says whom it sees and on which library, as one line of JSON.
 *
 * WITH_COUNT calls a function of MPI 4 with a large count, WITH_FORTRAN one of the Fortran library.
 * Judges nothing: who reads the lines knows what was to be.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef WITH_FORTRAN
void mpi_comm_rank_(int *communicator, int *rank, int *error);
#endif

static const char *library_path(void)
{
    Dl_info info;
    void *function = dlsym(RTLD_DEFAULT, "MPI_Init");
    return function != NULL && dladdr(function, &info) != 0 ? info.dli_fname : "";
}

static int sum_of_ranks(int rank)
{
    int sum = -1;
#ifdef WITH_COUNT
    MPI_Allreduce_c(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
#else
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
#endif
    return sum;
}

int main(int argc, char **argv)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "", host[256] = "";
    int rank = -1, size = -1, length = 0, from = -1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
#ifdef WITH_FORTRAN
    int world = (int)MPI_Comm_c2f(MPI_COMM_WORLD), error = 0;
    rank = -1;
    mpi_comm_rank_(&world, &rank, &error);
#endif
    MPI_Get_library_version(version, &length);
    gethostname(host, sizeof host - 1);
    int sum = sum_of_ranks(rank);
    MPI_Sendrecv(&rank, 1, MPI_INT, (rank + 1) % size, 7, &from, 1, MPI_INT,
                 (rank + size - 1) % size, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    for (char *letter = version; *letter != '\0'; letter++)
        if (*letter == '"' || *letter == '\\' || (unsigned char)*letter < ' ')
            *letter = *letter == '\n' ? '\0' : ' ';
    printf("RANK {\"rank\": %d, \"size\": %d, \"host\": \"%s\", \"sum\": %d, \"from\": %d,"
           " \"path\": \"%s\", \"library\": \"%.80s\"}\n",
           rank, size, host, sum, from, library_path(), version);
    fflush(stdout);
    MPI_Finalize();
    return 0;
}
